extension String {
    /// The text, or as much of its beginning as fits into `limit` bytes of UTF-8.
    ///
    /// The limits of the schema count bytes; a text over its limit makes its whole message
    /// unreadable.
    func clipped(toBytes limit: Int) -> String {
        if utf8.count <= limit { return self }
        var clipped = ""
        var count = 0
        for scalar in unicodeScalars {
            count += UTF8.width(scalar)
            if count > limit { break }
            clipped.unicodeScalars.append(scalar)
        }
        return clipped
    }
}
