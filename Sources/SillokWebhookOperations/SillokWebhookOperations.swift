@_exported public import SillokReadSide
@_exported public import SillokSQL
