/// The name of a type with those of the types around it, without its module.
func readableName(_ type: any Any.Type) -> String {
    let parts = String(reflecting: type).split(separator: ".").filter { !$0.hasPrefix("(unknown context") }
    return parts.count > 1 ? parts.dropFirst().joined(separator: ".") : "\(type)"
}
