package import SillokCore

extension StoreError {
    /// The same failure where it ends all appends.
    package var endingAppends: StoreError { StoreError(code, "\(message) The store takes no more appends.") }

    /// The same failure for an append that may be stored.
    package var withUnknownOutcome: StoreError { StoreError(code, message, outcome: .unknown, cause: cause) }
}

extension AppendError {
    /// Whether the append is at fault. Otherwise the file is, and with it all appends of the group fail.
    package var isOfAppendAlone: Bool {
        switch self {
        case .invalid, .conflict, .knownID, .tracking, .refused: true
        case .failed(let failure): failure.code == .storeChanged
        }
    }
}
