"""Three-monthly reviews, outcomes and progress charts."""
