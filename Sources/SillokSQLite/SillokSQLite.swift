// A store and the read models next to it are one import.
@_exported public import SillokSQLiteModels
