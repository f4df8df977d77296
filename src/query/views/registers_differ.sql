-- Grain: the digest of all registers, where it is not what it was when the checkpoint was made.
-- Columns: digest.
-- Inputs: registers_digest, base_registers_digest.
SELECT n.digest
FROM registers_digest AS n
LEFT ANTI JOIN base_registers_digest AS b
  ON b.digest = n.digest
