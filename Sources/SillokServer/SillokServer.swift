@_exported public import SillokAccess
