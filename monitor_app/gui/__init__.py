# SPDX-License-Identifier: Apache-2.0
"""The window. The only package that knows Qt; it reads session files and sends commands to the bench."""
