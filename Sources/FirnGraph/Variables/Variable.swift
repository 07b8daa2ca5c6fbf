/// The declaration of state that outlives a run; its value is the session's.
public struct Variable: Hashable, Sendable {
  /// What changes it.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// What training may change by gradient.
    case parameter
    /// Written by the step itself (moving averages, counters); never trained by gradient.
    case state
    /// An optimiser's memory of one parameter, such as a moment of Adam's.
    case slot
  }

  /// Its path; unique among variables.
  public let name: String
  /// Element type and shape; all extents are numbers.
  public package(set) var type: TensorType
  /// What changes it.
  public let kind: Kind
  /// What it is to its layer: `kernel`, `recurrent_kernel`, `bias`, `table`; empty where it has no role.
  public let role: String
  /// Where its first value comes from; blocks and functions are resolved into columns and arrays.
  public let initializer: Initializer
  /// As declared where it was built, for a parameter; a compilation starts from this.
  public let isTrainable: Bool
  /// Whether it is state declared `trainable: false`, which training is not to move.
  public let isHeld: Bool
  /// Names of its equal blocks along one axis; nil where it has none.
  public let blocks: BlockNames?
  /// What it follows from step to step; nil for what is no shadow.
  public let shadow: Shadow?
  /// The line of the user's program that declared it; nil where that is not known.
  public let location: CallSite?

  package init(
    name: String, type: TensorType, kind: Kind = .parameter, role: String = "", initializer: Initializer,
    isTrainable: Bool = true, isHeld: Bool = false, blocks: BlockNames? = nil,
    shadow: Shadow? = nil, location: CallSite? = nil
  ) {
    self.name = name
    self.type = type
    self.kind = kind
    self.role = role
    self.initializer = initializer
    self.isTrainable = isTrainable
    self.isHeld = isHeld
    self.blocks = blocks
    self.shadow = shadow
    self.location = location
  }

  /// The same declaration, as that of what follows another variable or none.
  package func following(_ shadow: Shadow?) -> Variable {
    if shadow == self.shadow { return self }
    return Variable(
      name: name, type: type, kind: kind, role: role, initializer: initializer, isTrainable: isTrainable,
      isHeld: isHeld, blocks: blocks, shadow: shadow, location: location)
  }

  /// The path of the scope it stands in.
  public var scope: String { Path.parent(of: name) }

  /// Number of elements.
  public var elementCount: Int { type.shape.elementCount.value ?? 0 }

  /// Whether both declare the same; where they did is not compared.
  public static func == (a: Variable, b: Variable) -> Bool {
    a.name == b.name && a.type == b.type && a.kind == b.kind && a.role == b.role
      && a.initializer == b.initializer && a.isTrainable == b.isTrainable
      && a.isHeld == b.isHeld && a.blocks == b.blocks && a.shadow == b.shadow
  }

  /// Of the name, which is unique.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
