# SPDX-License-Identifier: Apache-2.0
"""The window. The only package that knows Qt; it reads session files and sends commands to the bench."""

from monitor_app.gui.lazy_qt import load_lazily

load_lazily()  # here, since any module of this package may be the first that imports pyqtgraph
