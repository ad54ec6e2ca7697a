/// The place of an element in an array, or of a superclass in an object, in a coding path.
package enum JSONPathKey: CodingKey {
    case index(Int)
    case named(String)

    package init(stringValue: String) { self = .named(stringValue) }
    package init(intValue: Int) { self = .index(intValue) }

    package var stringValue: String {
        switch self {
        case .index(let index): String(index)
        case .named(let name): name
        }
    }

    package var intValue: Int? {
        switch self {
        case .index(let index): index
        case .named: nil
        }
    }

    static let superclass = JSONPathKey.named("super")
}
