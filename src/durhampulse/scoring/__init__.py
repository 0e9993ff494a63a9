"""A verified model that scores creators, from one to hundreds of millions."""
