//! The trust file: parsing with positions, inheritance, canonical form and digest.
