/// The names that the values of an enum have in JSON.
public struct EnumNames: Sendable {
    /// `package.Enum`.
    let typeName: String
    /// All names, each in quotes.
    private let text: [UInt8]
    /// In the order of the numbers.
    private let entries: [Entry]
    /// Indices of ``entries``, in the order of the names.
    private let order: [Int]

    private struct Entry: Sendable {
        let number: Int32
        /// Where in ``text`` the name stands, with its quotes.
        let range: Range<Int>
    }

    /// Each name and number comes once.
    public init(_ typeName: String, _ names: KeyValuePairs<Int32, String>) {
        self.init(typeName, names: names.map { ($0.key, $0.value) })
    }

    init(_ typeName: String, names: [(key: Int32, value: String)]) {
        self.typeName = typeName
        var text: [UInt8] = []
        var entries: [Entry] = []
        for (number, name) in names.sorted(by: { $0.key < $1.key }) {
            let start = text.count
            text += Array("\"\(name)\"".utf8)
            entries.append(Entry(number: number, range: start..<text.count))
        }
        (self.text, self.entries) = (text, entries)
        order = entries.indices.sorted { left, right in
            let name = text.span.extracting(Self.unquoted(entries[right].range))
            return Self.precedes(text.span, entries[left].range, name) ?? false
        }
    }

    private static func unquoted(_ range: Range<Int>) -> Range<Int> {
        (range.lowerBound + 1)..<(range.upperBound - 1)
    }

    /// Whether the name in a range stands before another; nil if it is the same.
    ///
    /// Shorter ones are first, and what they end with counts, as all of an enum begin alike.
    private static func precedes(
        _ text: Span<UInt8>, _ range: Range<Int>, _ other: Span<UInt8>
    ) -> Bool? {
        let name = text.extracting(unquoted(range))
        if name.count != other.count { return name.count < other.count }
        var index = name.count
        while index > 0 {
            index &-= 1
            if name[index] != other[index] { return name[index] < other[index] }
        }
        return nil
    }

    /// Appends the name of a number, in quotes; false where it has none.
    func put(_ number: Int32, _ output: inout [UInt8]) -> Bool {
        guard let range = range(of: number) else { return false }
        output.append(text.span, range)
        return true
    }

    private func range(of number: Int32) -> Range<Int>? {
        // Most enums count from 0.
        if let index = Int(exactly: number), entries.indices.contains(index),
            entries[index].number == number
        {
            return entries[index].range
        }
        var range = entries.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            let entry = entries[middle]
            if entry.number == number { return entry.range }
            range =
                entry.number < number
                ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }

    /// The number of a name.
    func number(_ name: Span<UInt8>) -> Int32? {
        var range = order.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            let entry = entries[order[middle]]
            guard let precedes = Self.precedes(text.span, entry.range, name)
            else { return entry.number }
            range = precedes ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }
}
