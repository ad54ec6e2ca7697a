@_exported public import SillokChain
@_exported public import SillokCore
@_exported public import SillokSQL
