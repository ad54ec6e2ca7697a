// Applications import one module for the store and its read model.
@_exported public import SillokSQLiteModels
