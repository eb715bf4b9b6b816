echo content >bye.txt
