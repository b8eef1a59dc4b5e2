"""Load measurements of the API, compared with programs that do less or the same work. Not part of the product."""
