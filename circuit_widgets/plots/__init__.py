"""Still pictures: one file per topic, each with `plot(result) -> matplotlib.figure.Figure`."""
