extension String {
    /// The text without a full stop at its end, to be part of a longer sentence.
    package var withoutStop: String { hasSuffix(".") && !hasSuffix("..") ? String(dropLast()) : self }
}
