//! Names of months in English, German, French and Spanish, whole and shortened. Takes a
//! word in small letters without accents, gives the month's number. Knows no dates.

const MONTHS: [&[&str]; 12] = [
    &["jan", "january", "januar", "janner", "janv", "janvier", "ene", "enero"],
    &["feb", "february", "februar", "fev", "fevr", "fevrier", "febrero"],
    &["mar", "march", "marz", "mrz", "mars", "marzo"],
    &["apr", "april", "avr", "avril", "abr", "abril"],
    &["may", "mai", "mayo"],
    &["jun", "june", "juni", "juin", "junio"],
    &["jul", "july", "juli", "juil", "juillet", "julio"],
    &["aug", "august", "aout", "ago", "agosto"],
    &["sep", "sept", "september", "septembre", "septiembre"],
    &["oct", "october", "okt", "oktober", "octobre", "octubre"],
    &["nov", "november", "novembre", "noviembre"],
    &["dec", "december", "dez", "dezember", "decembre", "dic", "diciembre"],
];

/// The month that a word names, 1–12.
pub fn month_number(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|names| names.contains(&word))?;
    i8::try_from(at + 1).ok()
}
