@_exported public import SillokLogFormat
