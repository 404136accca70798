/// How many cells of a terminal the text takes.
func displayWidth(_ text: String) -> Int {
    text.reduce(0) { $0 + displayWidth($1) }
}

/// A character is as wide as its widest scalar: marks stand on their base.
private func displayWidth(_ character: Character) -> Int {
    var width = 0
    for scalar in character.unicodeScalars {
        // The variation selector that asks for a picture.
        if scalar.value == 0xFE0F { return 2 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: break
        default: width = max(width, isWide(scalar) ? 2 : 1)
        }
    }
    return width
}

/// Whether East Asian Width (UAX #11) is W or F; by blocks, which is what terminals go by.
private func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x1FA70...0x1FAFF,
        0x20000...0x3FFFD:
        true
    default: false
    }
}

/// The text cut to `width` cells, with `…` as the last of them where something was cut.
func truncated(_ text: String, to width: Int) -> String {
    guard displayWidth(text) > width else { return text }
    var result = ""
    var left = max(width, 1) - 1
    for character in text {
        let needed = displayWidth(character)
        guard needed <= left else { break }
        result.append(character)
        left -= needed
    }
    return result + "…"
}

/// The text without what would end the line, move the cursor or turn the direction of writing:
/// names come from terminals and from other programs.
func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: result.append("\u{FFFD}")
        // Joiners are part of how Arabic, Persian and Indic names are written.
        case .format where scalar.value != 0x200C && scalar.value != 0x200D:
            result.append("\u{FFFD}")
        default: result.append(scalar)
        }
    }
    return String(result)
}
