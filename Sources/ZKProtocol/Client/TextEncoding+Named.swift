import Transport

extension TextEncoding {
    /// The encoding of this name, one of ``names``; nil for another, or where this machine's C
    /// library lacks the code page.
    ///
    /// Takes some milliseconds for a code page: ask once and keep it.
    public static func named(_ name: String) -> TextEncoding? {
        guard names.contains(name) else { return nil }
        if name == utf8.name { return .utf8 }
        let isPaired = name == "gbk"
        let set = isPaired ? "GBK" : "CP" + name.suffix(4)
        guard let characters = CharacterSet(set) else { return nil }
        return TextEncoding(name: name, hasPairs: isPaired) { characters.character($0) }
    }
}
