@_exported public import SillokCore
@_exported public import SillokJSON
