"""Who writes text: a language model, or sentences chosen from the memories themselves."""
