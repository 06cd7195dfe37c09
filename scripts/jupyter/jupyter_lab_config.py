"""JupyterLab for `make demo` and the browser tests: asks no server but its own for anything.

Found through JUPYTER_CONFIG_PATH, so it adds to a user's own configuration.
"""

c = get_config()  # type: ignore[name-defined]
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
# Looks for thirty language servers at its start and prints that it found none.
c.LanguageServerManager.autodetect = False
