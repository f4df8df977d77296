//! A range of addresses, as the modifier `cidr` names it.

use std::net::IpAddr;

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8` or `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Network { address, bits })
    }

    /// True when `text` is an address of the network.
    pub fn holds(&self, text: &str) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let shift = width - self.bits;
            shift >= 128 || (a >> shift) == (b >> shift)
        };
        match (self.address, text.parse()) {
            (IpAddr::V4(mine), Ok(IpAddr::V4(other))) => {
                same(u128::from(mine.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(mine), Ok(IpAddr::V6(other))) => same(mine.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}
