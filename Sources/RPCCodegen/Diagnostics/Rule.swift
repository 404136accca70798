/// A rule of the language that a schema can break; its number never changes and never comes back.
///
/// What each says, with a wrong and a right example, is in the catalogue.
enum Rule: Int, NumberedRule {
    static let prefix = "IDL"

    // What the text is made of.
    case notUTF8 = 1
    case strayCharacter = 2
    case openString = 3
    case badNumber = 4
    case unexpected = 5
    case missingNewLine = 6
    case openBody = 7

    // The file.
    case missingPackage = 10
    case packagePlace = 11
    case packageForm = 12
    case importPath = 13
    case importMissing = 14
    case importTwice = 15
    case importCycle = 16
    case importPlace = 17
    case brokenImport = 18

    // Names.
    case typeForm = 20
    case memberForm = 21
    case nameTaken = 22
    case declaredTwice = 23
    case shadowedName = 24
    case memberTwice = 25
    case memberOfEvery = 26
    case optionalLike = 27
    case protoValueTwice = 28
    case unknownType = 29
    case notAType = 30

    // Fields.
    case fieldNumberRange = 40
    case protobufNumber = 41
    case fieldNumberTwice = 42
    case reservedNumber = 43
    case reservedName = 44
    case reservedRange = 45
    case optionalList = 46
    case nestedList = 47
    case mapKey = 48
    case containsItself = 49
    case choiceForm = 50
    case emptyOneof = 51
    case nestedTooDeep = 52

    // Limits and other options.
    case unknownOption = 60
    case optionTwice = 61
    case limitTarget = 62
    case limitRange = 63
    case limitOrder = 64
    case defaultOutside = 65
    case rangeTarget = 66
    case rangeForm = 67
    case optionPlace = 68

    // Enums.
    case missingZero = 70
    case valueNumberRange = 71
    case valueNumberTwice = 72

    // Services.
    case methodTypes = 80
    case missingRole = 81
    case roleTwice = 82
    case anyRole = 83
    case missingDeadline = 84
    case openUnary = 85
    case idleWithDeadline = 86
    case time = 87
    case unknownAnnotation = 88
    case annotationTwice = 89
    case methodNumberTwice = 90
    case keyField = 91
    case keyOfStream = 92

    // HTTP routes.
    case routeForm = 100
    case routeVariable = 101
    case routeVariableType = 102
    case routeQuery = 103
    case routeBody = 104
    case routeKind = 105
    case routeTwice = 106
    case safeRoute = 107
    case resume = 108

    /// The rule of `IDL042`, `idl42` or `42`: a number alone is one of these.
    init?(id: String) {
        guard let number = Int(id) ?? Self.number(in: id) else { return nil }
        self.init(rawValue: number)
    }
}
