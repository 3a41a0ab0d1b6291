"""What other projects need to run here; only the benchmarks use it."""
