# SPDX-License-Identifier: Apache-2.0
"""Files and folders: those of the program, those of the user, and how one is written whole."""
