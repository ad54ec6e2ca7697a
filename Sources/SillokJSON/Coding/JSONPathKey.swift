/// The place of an element in an array, or of a superclass in an object, in a coding path.
enum JSONPathKey: CodingKey {
    case index(Int)
    case named(String)

    init(stringValue: String) { self = .named(stringValue) }
    init(intValue: Int) { self = .index(intValue) }

    var stringValue: String {
        switch self {
        case .index(let index): String(index)
        case .named(let name): name
        }
    }

    var intValue: Int? {
        switch self {
        case .index(let index): index
        case .named: nil
        }
    }

    static let superclass = JSONPathKey.named("super")
}
