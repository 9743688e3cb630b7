"""A hundred users who ask the API what people and programs ask it; `scripts/bench load` runs them."""
