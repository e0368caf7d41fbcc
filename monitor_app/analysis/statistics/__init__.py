# SPDX-License-Identifier: Apache-2.0
"""Statistics of arrays: intervals, bootstrap, regression, Pareto fronts, spectra."""
