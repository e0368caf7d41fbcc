# SPDX-License-Identifier: Apache-2.0
"""A campaign as a document for people: one page of HTML, or PDF, of the same content."""
