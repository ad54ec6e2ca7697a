/// The names of an enum's cases as the compiler wrote them down for reflection; `nil` if it did not, or it is no enum.
///
/// Swift has no other way to ask for all cases of an enum whose cases have values. The layout is that of the stable ABI
/// (docs/ABI/TypeMetadata.rst of the Swift project); only tests read it.
func caseNames(of type: Any.Type) -> [String]? {
    let metadata = unsafeBitCast(type, to: UnsafeRawPointer.self)
    guard metadata.load(as: UInt.self) == 0x201, !"\(type)".contains("<") else { return nil }
    let descriptor = metadata.load(fromByteOffset: MemoryLayout<UInt>.size, as: UnsafeRawPointer.self)
    guard let fields = relative(descriptor + 16) else { return nil }
    let (size, count) = (
        fields.load(fromByteOffset: 10, as: UInt16.self), fields.load(fromByteOffset: 12, as: UInt32.self)
    )
    return (0..<Int(count)).compactMap { index in
        relative(fields + 16 + index * Int(size) + 8).map {
            String(cString: $0.assumingMemoryBound(to: CChar.self))
        }
    }
}

/// What a relative pointer points to.
private func relative(_ pointer: UnsafeRawPointer) -> UnsafeRawPointer? {
    let offset = pointer.load(as: Int32.self)
    return offset == 0 ? nil : pointer + Int(offset)
}
