"""Three-monthly reviews, the outcomes of a case, and the charts drawn from them."""
