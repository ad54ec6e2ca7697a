@_exported public import SillokEvents
