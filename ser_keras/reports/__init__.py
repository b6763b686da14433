"""Reports: tables, figures, pages, the site."""
