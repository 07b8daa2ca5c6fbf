extension Variable: CustomStringConvertible {
  /// In one line: `encoder/kernel : f32[3,4] (kernel, frozen)`; what is trainable has no word for it.
  public var description: String {
    var words = role.isEmpty ? [] : [role]
    switch kind {
    case .parameter: if !isTrainable, shadow == nil { words.append("frozen") }
    case .state: words.append(isHeld ? "held state" : "state")
    case .slot: words.append("slot")
    }
    if let shadow { words.append("shadow of \(shadow.source)") }
    return "\(name) : \(type)" + (words.isEmpty ? "" : " (\(words.joined(separator: ", ")))")
  }
}
