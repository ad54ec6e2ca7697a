@_exported public import Sillok
@_exported public import SillokProcessMachine
@_exported public import SillokReadSide
@_exported public import SillokSQL
