"""The pages people read; the only place that draws."""
