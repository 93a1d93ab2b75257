"""How often the gates decide wrongly, by simulation: ``make error-rates`` writes the numbers into docs/error-rates.md."""
