"""Load measurements: what the API costs, beside programs that bound it from above and below. Not part of the product."""
