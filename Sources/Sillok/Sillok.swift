@_exported public import SillokCore
