@_exported public import Sillok
