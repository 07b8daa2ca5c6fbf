/// The ops text can name: families in the order they are listed.
package struct OpCatalogue: Sendable {
  package let families: [any Op.Type]

  package init(_ families: [any Op.Type]) { self.families = families }

  /// The ops the graph itself relies on.
  package static let graphOps: [any Op.Type] = [
    Placeholder.self, LoopInput.self, Constant.self, ReadVariable.self, AssignVariable.self, AssignRows.self,
    RandomState.self, BoundValue.self, PassThrough.self, Gradients.self, AbsentGradient.self,
    UpdateInput.self,
  ]

  package var mnemonics: [String] { families.flatMap { $0.mnemonics } }

  /// The op of this mnemonic with these attributes.
  ///
  /// - Throws: `.parse` for an unknown mnemonic, or missing, ill-typed or unknown attributes.
  package func op(mnemonic: String, attributes: Attributes) throws(FirnError) -> any Op {
    guard let family = families.first(where: { $0.mnemonics.contains(mnemonic) }) else {
      throw FirnError(
        .parse, "unknown op `\(mnemonic)`", remedy: NearestNames(to: mnemonic, among: mnemonics).question)
    }
    let op = try family.init(mnemonic: mnemonic, attributes: attributes)
    let known = op.attributes
    if let unknown = attributes.entries.first(where: { known[$0.key] == nil }) {
      let keys = known.entries.map(\.key)
      throw FirnError(
        .parse, "`\(mnemonic)` has no attribute `\(unknown.key)`",
        remedy: keys.isEmpty ? "it has none" : "it has " + keys.joined(separator: ", "))
    }
    return op
  }
}
