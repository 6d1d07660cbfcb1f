"""The language model behind one small protocol: ledger, budget, breaker, quality."""
