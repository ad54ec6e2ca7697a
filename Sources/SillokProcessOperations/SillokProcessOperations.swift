@_exported public import SillokProcesses
