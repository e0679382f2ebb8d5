/**
 * Names that programs use and an import statement must bind: where one of them is undefined, the import was forgotten;
 * where another one is, the name was made up. A list, not a rule: decides nothing.
 */

/** Top-level modules of the standard library that programs name (3.9 to 3.13). */
const MODULES = `abc argparse array ast asyncio atexit base64 binascii bisect builtins bz2 calendar cmath codecs
  collections concurrent configparser contextlib copy csv ctypes dataclasses datetime decimal difflib dis doctest email
  enum errno fileinput fnmatch fractions functools gc getopt getpass gettext glob gzip hashlib heapq hmac html http
  importlib inspect io ipaddress itertools json keyword linecache locale logging lzma math mimetypes mmap
  multiprocessing numbers operator optparse os pathlib pdb pickle pkgutil platform pprint queue random re reprlib
  resource sched secrets select selectors shelve shlex shutil signal socket sqlite3 ssl stat statistics string struct
  subprocess sys sysconfig tarfile tempfile textwrap threading time timeit tkinter token tokenize tomllib traceback
  tracemalloc turtle types typing unicodedata unittest urllib uuid warnings weakref xml zipfile zlib zoneinfo`;

/** Third-party modules, and what people call them. */
const THIRD_PARTY = 'np numpy pd pandas plt matplotlib scipy sp sympy nx networkx torch tf requests nltk six';

/** Of typing. */
const TYPING = `AbstractSet Any AnyStr Callable ClassVar Collection Container DefaultDict Deque Dict Final FrozenSet
  Generator Generic Hashable ItemsView Iterable Iterator KeysView List Literal Mapping Match MutableMapping
  MutableSequence MutableSet NamedTuple NewType NoReturn Optional Pattern Protocol Reversible Sequence Set Sized
  SupportsFloat SupportsInt Text Tuple Type TypedDict TypeVar Union ValuesView cast overload`;

/** Functions and classes of the modules above that are used by their bare names. */
const MEMBERS = `ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque namedtuple
  dataclass field Enum IntEnum auto Fraction Decimal ROUND_HALF_UP
  accumulate chain combinations combinations_with_replacement count cycle dropwhile groupby islice permutations product
  repeat starmap takewhile tee zip_longest
  cache cached_property cmp_to_key lru_cache partial reduce total_ordering wraps
  add attrgetter itemgetter mul
  acos asin atan atan2 ceil comb cos degrees exp factorial fabs floor fmod gcd hypot inf isclose isqrt lcm log log10
  log2 perm pi prod radians sin sqrt tan trunc
  bisect_left bisect_right insort heapify heappop heappush nlargest nsmallest
  mean median mode stdev variance
  ascii_letters ascii_lowercase ascii_uppercase digits punctuation
  choice choices randint randrange sample shuffle uniform
  date timedelta deepcopy dumps loads md5 sha256 sleep Path StringIO contextmanager suppress abstractmethod ABC
  findall sub reprlib literal_eval`;

const wordsOf = (names: string): string[] => names.split(/\s+/);
const MODULE_NAMES: ReadonlySet<string> = new Set(wordsOf(MODULES));
const TYPING_NAMES: ReadonlySet<string> = new Set(wordsOf(TYPING));
const IMPORTABLE: ReadonlySet<string> = new Set([MODULES, THIRD_PARTY, TYPING, MEMBERS].flatMap(wordsOf));

/** Whether an import that programs use would have bound this name. */
export function isImportable(name: string): boolean {
  return IMPORTABLE.has(name);
}

/** The statement that binds a name of the standard library's modules or of typing; null for any other, of which it is not sure what is meant. */
export function importOf(name: string): string | null {
  if (MODULE_NAMES.has(name)) return `import ${name}`;
  return TYPING_NAMES.has(name) ? `from typing import ${name}` : null;
}
