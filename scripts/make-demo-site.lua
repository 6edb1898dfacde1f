-- Writes the demo site as static pages, in the markup of quotes.toscrape.com, so that a
-- script works on either.
--
--   lua5.4 scripts/make-demo-site.lua SOURCE OUT     (examples/demo-site build/demo-site)
--
-- SOURCE holds quotes.tsv and authors.tsv, a header line each. /error/ is the server's
-- business (scripts/serve-demo.sh), /slow/ only a page long enough to be slowed down.

local PER_PAGE = 10
local SLOW_BYTES = 16 * 1024 -- the server gives 8 KiB a second: two seconds

local source, out = arg[1], arg[2]
if not out then
  io.stderr:write "usage: make-demo-site.lua SOURCE OUT\n"
  os.exit(2)
end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function write(path, text)
  local name = out .. "/" .. path
  assert(os.execute("mkdir -p " .. quote(name:match "^(.*)/")), "cannot make the directory of " .. name)
  local file = assert(io.open(name, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function split(line, separator)
  local fields = {}
  for field in (line .. separator):gmatch("(.-)" .. separator) do fields[#fields + 1] = field end
  return fields
end

-- The rows of a TSV file as tables keyed by its header line.
local function read_tsv(name)
  local rows, header = {}, nil
  for line in io.lines(source .. "/" .. name) do
    local fields = split(line, "\t")
    if header then
      if #fields ~= #header then error(name .. ": wrong number of fields: " .. line, 0) end
      local row = {}
      for i, key in ipairs(header) do row[key] = fields[i] end
      rows[#rows + 1] = row
    else
      header = fields
    end
  end
  return rows
end

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(text)
  return (text:gsub('[&<>"]', ENTITIES))
end

-- {name} is replaced by the escaped value, {{name}} by the value as it is.
local function fill(template, values)
  return (template
    :gsub("{{(%w+)}}", values)
    :gsub("{(%w+)}", function(key) return values[key] and escape(values[key]) end))
end

local PLAIN = { ["ë"] = "e", ["é"] = "e" }

local function slug(name)
  local ascii = name:gsub(utf8.charpattern, PLAIN)
  return (ascii:gsub("[^%w]+", "-"))
end

local FRAME = [[
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <title>{title}</title>
</head>
<body>
<div class="container">
  <div class="row header-box">
    <h1><a href="/">Quotes to Fetch</a></h1>
  </div>
{{content}}
</div>
</body>
</html>
]]

local QUOTE = [[
  <div class="quote" itemscope itemtype="http://schema.org/CreativeWork">
    <span class="text" itemprop="text">“{text}”</span>
    <span>by <small class="author" itemprop="author">{author}</small>
    <a href="/author/{slug}/">(about)</a></span>
    <div class="tags">
      Tags:
      <meta class="keywords" itemprop="keywords" content="{tags}">
{{links}}
    </div>
  </div>
]]

local AUTHOR = [[
  <div class="author-details">
    <h3 class="author-title">{name}</h3>
    <p><strong>Born:</strong> <span class="author-born-date">{born}</span>
    <span class="author-born-location">in {place}</span></p>
    <div class="author-description">{description}</div>
  </div>
]]

local function page(title, content)
  return fill(FRAME, { title = title, content = content })
end

local function quote_html(q)
  local links = {}
  for i, tag in ipairs(split(q.tags, ",")) do
    links[i] = fill('      <a class="tag" href="/tag/{tag}/">{tag}</a>', { tag = tag })
  end
  return fill(QUOTE, {
    text = q.text,
    author = q.author,
    slug = slug(q.author),
    tags = q.tags,
    links = table.concat(links, "\n"),
  })
end

local function pager(n, last)
  local items = {}
  if n > 1 then
    items[#items + 1] = ('    <li class="previous"><a href="/page/%d/">&larr; Previous</a></li>'):format(n - 1)
  end
  if n < last then
    items[#items + 1] = ('    <li class="next"><a href="/page/%d/">Next &rarr;</a></li>'):format(n + 1)
  end
  return '  <nav>\n  <ul class="pager">\n' .. table.concat(items, "\n") .. "\n  </ul>\n  </nav>"
end

local function write_lists(quotes)
  local last = math.ceil(#quotes / PER_PAGE)
  for n = 1, last do
    local parts = {}
    for i = (n - 1) * PER_PAGE + 1, math.min(n * PER_PAGE, #quotes) do parts[#parts + 1] = quote_html(quotes[i]) end
    parts[#parts + 1] = pager(n, last)
    write(("page/%d/index.html"):format(n), page("Quotes, page " .. n, table.concat(parts)))
  end
end

local function write_tags(quotes)
  local by_tag = {}
  for _, q in ipairs(quotes) do
    for _, tag in ipairs(split(q.tags, ",")) do
      by_tag[tag] = by_tag[tag] or {}
      table.insert(by_tag[tag], quote_html(q))
    end
  end
  for tag, parts in pairs(by_tag) do
    local title = "Quotes about " .. tag
    table.insert(parts, 1, fill("  <h3>{title}</h3>\n", { title = title }))
    write("tag/" .. tag .. "/index.html", page(title, table.concat(parts)))
  end
end

local function write_authors(authors, quotes)
  local known = {}
  for _, author in ipairs(authors) do
    known[author.name] = true
    write("author/" .. slug(author.name) .. "/index.html", page(author.name, fill(AUTHOR, author)))
  end
  for _, q in ipairs(quotes) do
    if not known[q.author] then error("authors.tsv does not have " .. q.author, 0) end
  end
end

local function write_rest()
  write("index.html", page("Quotes to Fetch", '  <p>One hundred old quotes: <a href="/page/1/">start here</a>.</p>'))
  write("robots.txt", "User-agent: *\nDisallow: /error/\nDisallow: /slow/\n")
  local slow = page("Slow", '  <p class="slow">This page took its time.</p>')
  local padding = SLOW_BYTES - #slow - #"<!--\n-->\n"
  write("slow/index.html", slow .. "<!--" .. ("."):rep(padding) .. "\n-->\n")
end

local quotes, authors = read_tsv "quotes.tsv", read_tsv "authors.tsv"
write_lists(quotes)
write_tags(quotes)
write_authors(authors, quotes)
write_rest()
print(("%s: %d quotes, %d authors"):format(out, #quotes, #authors))
