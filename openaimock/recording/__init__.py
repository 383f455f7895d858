"""Recording: an exchange with the real API becomes a rule as a person would write it, for recordings and for converted files."""
