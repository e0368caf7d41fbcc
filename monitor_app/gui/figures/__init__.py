# SPDX-License-Identifier: Apache-2.0
"""The figures and findings of a campaign, drawn so that they can be asked."""
