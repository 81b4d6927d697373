//! Catalogers: layer entries in, one inventory out.
